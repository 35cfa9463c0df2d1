internal import Controllers
package import KubernetesAPI
internal import JSON
internal import LinuxSystem
internal import StorageModel
internal import Synchronization

/// Knows whether the API server requires the verb `use` when a checkout is created or changed: whether our policy and its binding
/// exist. Kubernetes has such policies since 1.30.
package final class AdmissionWatch: Sendable {
  private let writer: ObjectWriter
  private let state = Mutex<Bool?>(nil)

  package init(_ client: APIClient) { writer = ObjectWriter(client) }

  /// As it was seen last. Not before that: then only what needs no policy is allowed.
  package var access: PoolAccess { PoolAccess(isCheckedAtAdmission: state.withLock { $0 } ?? false) }

  /// Whether the checkout may use the pool. Asks the API server if that matters and it was never asked.
  ///
  /// - Throws: ``WriteFailure``.
  func allows(_ checkout: Checkout, _ pool: Pool) async throws(WriteFailure) -> Bool {
    if access.allows(checkout, pool) { return true }
    guard state.withLock({ $0 }) == nil else { return false }
    try await look()
    return access.allows(checkout, pool)
  }

  /// Asks the API server. Returns whether anything has changed. Sends one or two requests.
  @discardableResult
  func look() async throws(WriteFailure) -> Bool {
    let isActive = try await isActive()
    return state.withLock { state in
      defer { state = isActive }
      return state != isActive
    }
  }

  private func isActive() async throws(WriteFailure) -> Bool {
    let key = ObjectKey(name: PoolNames.policy)
    guard let policy: AdmissionPolicy = try await writer.find(key), policy.rejectsOnFailure,
      let binding: AdmissionPolicyBinding = try await writer.find(key)
    else { return false }
    return binding.policyName == PoolNames.policy && binding.actions.contains("Deny") && !binding.isPartial
  }
}

/// A ValidatingAdmissionPolicy, as far as it says whether it can be relied on.
struct AdmissionPolicy: APIObject {
  static let resource = APIResource(
    group: "admissionregistration.k8s.io", name: "validatingadmissionpolicies", kind: "ValidatingAdmissionPolicy",
    isNamespaced: false)

  var metadata = ObjectMeta()
  var rejectsOnFailure = true

  init(json: inout JSONReader) throws(JSONSyntaxError) {
    guard try json.beginObject() else { return }
    while let key = try json.nextKey() {
      switch key {
      case "metadata": metadata = try ObjectMeta(json: &json)
      case "spec":
        let spec = try json.value()
        rejectsOnFailure = (spec["failurePolicy"]?.string ?? "Fail") == "Fail"
      default: break
      }
    }
  }
}

/// A ValidatingAdmissionPolicyBinding.
struct AdmissionPolicyBinding: APIObject {
  static let resource = APIResource(
    group: "admissionregistration.k8s.io", name: "validatingadmissionpolicybindings",
    kind: "ValidatingAdmissionPolicyBinding", isNamespaced: false)

  var metadata = ObjectMeta()
  var policyName = ""
  var actions: [String] = []
  /// It leaves some objects out.
  var isPartial = false

  init(json: inout JSONReader) throws(JSONSyntaxError) {
    guard try json.beginObject() else { return }
    while let key = try json.nextKey() {
      switch key {
      case "metadata": metadata = try ObjectMeta(json: &json)
      case "spec":
        let spec = try json.value()
        policyName = spec["policyName"]?.string ?? ""
        actions = (spec["validationActions"]?.elements ?? []).compactMap(\.string)
        // The API server fills in selectors that select everything.
        let resources = spec["matchResources"]
        let rules = resources?["resourceRules"]?.elements ?? []
        let excluded = resources?["excludeResourceRules"]?.elements ?? []
        let selectors = ["namespaceSelector", "objectSelector"].compactMap { resources?[$0]?.members }
        isPartial = !rules.isEmpty || !excluded.isEmpty || selectors.contains { !$0.isEmpty }
      default: break
      }
    }
  }
}
