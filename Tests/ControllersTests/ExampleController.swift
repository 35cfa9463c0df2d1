import Controllers
import JSON
import KubernetesAPI
import StorageModel

/// How many claims a namespace may have: the kind of the example.
struct ClaimLimit: CustomResource {
  static let resource = APIResource(
    group: "example.org", version: "v1", name: "claimlimits", kind: "ClaimLimit", isNamespaced: true)
  var metadata = ObjectMeta()
  var spec = Spec()
  var status = Status()

  struct Spec: FieldObject {
    var claims = 10
    static let fields: [Field<Spec>] = [Field("claims", \.claims)]
  }
  struct Status: FieldObject {
    var claims = 0
    var conditions = Conditions()
    static let fields: [Field<Status>] = [Field("claims", \.claims), Field("conditions", \.conditions)]
  }
}

/// Counts the claims beside each `ClaimLimit`, and says in its status whether they are too many.
struct ClaimCounter: Controller {
  let keys = ReconcileLoop<ObjectKey>(parallelism: 4)
  private let limits: ObjectCache<ClaimLimit>
  private let claimsIn: CacheIndex<ObjectKey, String>
  private let api: APIAccess

  init(_ term: Term, _ api: APIAccess) {
    self.api = api
    limits = term.caches.cache("limits", ClaimLimit.self)
    // Of a claim only its place is needed, so nothing else is kept.
    let claims = term.caches.cache("claims") { (claim: PersistentVolumeClaim) in claim.metadata.key }
    claimsIn = claims.index { [$0.namespace] }
    let limitsIn = limits.index { [$0.metadata.namespace] }
    limits.enqueue(to: keys) { key, _ in [key] }
    claims.enqueue(to: keys) { key, _ in limitsIn[key.namespace] }
    term.add(self, reading: [limits, claims])
  }

  func reconcile(_ key: ObjectKey) async -> Ending {
    guard let limit = limits[key] else { return .done }
    var status = limit.status
    status.claims = claimsIn[key.namespace].count
    let (fits, words) = (status.claims <= limit.spec.claims, "\(status.claims) of \(limit.spec.claims) claims")
    status.conditions.set(
      "Kept", fits ? .true : .false, reason: fits ? "Fits" : "TooMany", words,
      generation: limit.metadata.generation, at: api.client.time.wallClock)
    do throws(WriteFailure) {
      _ = try await ObjectWriter(api.client).replaceStatus(of: limit, with: status)
      return .done
    } catch {
      return .failed
    }
  }
}
