import JSON
import KubernetesAPI
import LinuxSystem
import StorageModel
import Testing

@testable import Pools

@Suite("Plans of pools")
struct PoolPlanTests {
  private static let now = Timestamp(seconds: 1_700_000_000)

  @Test(
    "a replica is what its claim and its job say",
    arguments: [
      (replica("r"), .initializing, .markAvailable), (replica("r", isPrepared: false), .initializing, .wait),
      (replica("r", phase: "Pending"), .initializing, .wait),
      (replica("r", phase: "Pending", needsNode: true), .initializing, .chooseNode),
      (replica("r", phase: "Pending", node: "n", needsNode: true), .initializing, .wait),
      (replica("r", needsJob: true), .initializing, .createJob),
      (replica("r", job: job(of: "r"), needsJob: true), .initializing, .wait),
      (replica("r", job: job(of: "r", "Complete"), needsJob: true), .initializing, .markAvailable),
      (replica("r", phase: "Pending", job: job(of: "r", "Complete"), needsJob: true), .initializing, .wait),
      (replica("r", ready: true), .available, .wait),
      (replica("r", ready: true, job: job(of: "r", "Failed"), needsJob: true), .available, .wait),
      (replica("r", phase: "Lost", ready: true), .stale, .wait),
      (replica("r", ready: true, isGoing: true), .stale, .wait),
      (replica("r", ready: true, isTaken: true), .taken, .wait),
      (replica("r", phase: "Lost", ready: true, isTaken: true), .stale, .wait),
    ] as [(Replica, Replica.State, Replica.Step)])
  func states(replica: Replica, state: Replica.State, step: Replica.Step) {
    #expect(replica.state == state && replica.step == step)
  }

  @Test("a job that has failed, or that is another's, spoils its replica for good")
  func failed() {
    let failed = replica("r", job: job(of: "r", "Failed"), needsJob: true)
    let foreign = replica("r", job: job(of: "r", owner: "uid-of-another"), needsJob: true)
    for replica in [failed, foreign] {
      guard case .failed = replica.state else {
        Issue.record("\(replica.state)")
        continue
      }
      #expect(replica.step == .wait)
    }
  }

  @Test(
    "as many are created as are missing, and no more than are asked for stay",
    arguments: [
      (0, 0, 0, 3, 3, 0), (2, 0, 0, 3, 1, 0), (1, 1, 1, 3, 0, 0), (3, 0, 0, 3, 0, 0), (3, 2, 0, 3, 0, 2),
      (4, 0, 1, 3, 0, 2),
      (2, 1, 0, 0, 0, 3),
    ])
  func numbers(ready: Int, initializing: Int, births: Int, wish: Int, missing: Int, surplus: Int) {
    let replicas =
      (0..<ready).map { replica("a\($0)", ready: true) }
      + (0..<initializing).map { replica("i\($0)", phase: "Pending") }
    let plan = PoolPlan(replicas, wish: wish, births: births, now: Self.now)
    #expect(plan.missing == missing && plan.surplus == surplus && plan.removals.count == surplus)
    let isSettled = ready == wish && initializing + births == 0
    #expect(plan.isSettled(wish: wish) == isSettled)
  }

  @Test("what goes first: failed ones, then the youngest that are not ready, then the youngest")
  func order() {
    let replicas = [
      replica("old", ready: true, created: 1), replica("young", ready: true, created: 9),
      replica("waits", phase: "Pending", created: 2), replica("waits-too", phase: "Pending", created: 8),
      replica("failed", created: 0, job: job(of: "failed", "Failed"), needsJob: true),
    ]
    let names = (0...5).map { wish in
      PoolPlan(replicas, wish: wish, births: 0, now: Self.now).removals.map(\.claim.key.name)
    }
    #expect(names[0] == ["failed", "waits-too", "waits", "young", "old"])
    #expect((0...5).allSatisfy { names[$0] == Array(names[0].prefix(5 - $0)) })
  }

  @Test("a taken replica counts for nothing, and nobody removes it")
  func taken() {
    let plan = PoolPlan([replica("r", ready: true, isTaken: true)], wish: 1, births: 0, now: Self.now)
    #expect(plan.missing == 1 && plan.removals.isEmpty && plan.available.isEmpty)
  }

  @Test("an invalid pool is left as it is, but for what is gone anyway")
  func left() {
    let replicas = [replica("a", ready: true), replica("i", phase: "Pending"), replica("lost", phase: "Lost")]
    let plan = PoolPlan(replicas, wish: nil, births: 0, now: Self.now)
    #expect(plan.missing == 0 && plan.removals.map(\.claim.key.name) == ["lost"])
  }

  @Test(
    "a failed replica stays until its pause is over, by the API server's clock",
    arguments: [(1, 9, true), (1, 10, false), (2, 19, true), (2, 20, false), (99, 3599, true), (99, 3600, false)])
  func pause(attempt: Int, after: Int64, stays: Bool) {
    let failed = replica("r", attempt: attempt, job: job(of: "r", "Failed"), needsJob: true)
    let plan = PoolPlan([failed], wish: 1, births: 0, now: Timestamp(seconds: Self.now.seconds + after))
    #expect(plan.missing == (stays ? 0 : 1) && plan.removals.isEmpty == stays && plan.paused.isEmpty != stays)
    #expect(PoolPlan([failed], wish: 1, births: 0, now: nil).paused.count == 1)
  }

  @Test(
    "the job of a ready replica goes when no request for it can be under way any more",
    arguments: [
      (89, 1000, false, 1), (90, 1000, true, nil), (1000, 89, false, 1), (1000, 90, true, nil), (50, 60, false, 40),
    ]
      as [(Int64, Int64, Bool, Int64?)])
  func finishedJobs(age: Int64, quiet: Int64, isDue: Bool, wait: Int64?) {
    let ready = replica("r", ready: true, job: job(of: "r", "Complete", at: 0), needsJob: true)
    let now = Timestamp(seconds: Self.now.seconds + age)
    let plan = PoolPlan([ready], wish: 1, births: 0, now: now)
    let (due, next) = plan.finishedJobs(now, quiet: .seconds(quiet))
    #expect(due.map(\.uid) == (isDue ? ["uid-of-job-r"] : []) && next == wait.map { .seconds($0) })
    #expect(plan.finishedJobs(nil, quiet: .seconds(quiet)).due.isEmpty)
  }

  @Test("failures in a row are counted once each, and a success ends the row")
  func streak() {
    var streak = FailureStreak()
    func failed(_ name: String, _ attempt: Int, created: Int64) -> Replica {
      replica(name, created: created, attempt: attempt, job: job(of: name, "Failed"), needsJob: true)
    }
    #expect(streak.attempt == 1)
    streak.see(failed: [failed("a", 1, created: 1), failed("b", 1, created: 1)], ready: [])
    #expect(streak.attempt == 2)
    #expect(streak.see(failed: [failed("a", 1, created: 1)], ready: []).isEmpty)
    streak.see(failed: [failed("c", 2, created: 2)], ready: [])
    #expect(streak.attempt == 3)
    streak.succeeded()
    #expect(streak.attempt == 1)
    streak.see(failed: [failed("c", 2, created: 2)], ready: [])
    #expect(streak.attempt == 1)
    // A leader that begins: what was ready after it says that the row is over.
    var other = FailureStreak()
    other.see(failed: [failed("d", 5, created: 5)], ready: [replica("e", ready: true, created: 6)])
    #expect(other.attempt == 1)
    other = FailureStreak()
    other.see(failed: [failed("d", 5, created: 5)], ready: [replica("e", ready: true, created: 4)])
    #expect(other.attempt == 6)
  }

  @Test("nodes are chosen by fewest replicas, then most space, and never beyond their space")
  func nodes() {
    func candidate(_ name: String, _ gibibytes: UInt64, _ replicas: Int) -> NodeChoice.Candidate {
      .init(name: name, hostname: "host-\(name)", free: .gibibytes(gibibytes), replicas: replicas)
    }
    let candidates = [
      candidate("a", 5, 0), candidate("b", 9, 0), candidate("c", 1, 0), candidate("d", 9, 2), candidate("e", 0, 0),
    ]
    var choice = NodeChoice(candidates, size: .gibibytes(2), spread: true)
    var names: [String] = []
    while let node = choice.next() { names.append(node.name) }
    #expect(names == ["b", "a", "b", "a", "d", "b", "d", "b", "d", "d"])
    choice = NodeChoice(candidates, size: .gibibytes(4), spread: false)
    names = []
    while let node = choice.next() { names.append(node.name) }
    #expect(names == ["b", "d", "a", "b", "d"])
    var empty = NodeChoice([candidate("e", 0, 0)], size: .zero, spread: true)
    #expect(empty.next() == nil)
  }
}

@Suite("Rules of checkouts")
struct CheckoutRuleTests {
  private func made(_ change: (inout Checkout) -> Void) -> Checkout {
    var checkout = Checkout()
    checkout.metadata = ObjectMeta(name: "c", namespace: "x", uid: "uid-c")
    checkout.spec.poolRef.name = "pool"
    change(&checkout)
    return checkout
  }

  @Test("a checkout of few words has the defaults")
  func defaults() {
    let checkout = made { _ in }
    #expect(checkout.poolKey == ObjectKey(namespace: "x", name: "pool"))
    #expect(checkout.claimKey == ObjectKey(namespace: "x", name: "c") && checkout.accessModes == ["ReadWriteOnce"])
    #expect(CheckoutReview.problem(of: checkout) == nil)
  }

  @Test("what a checkout may not ask for is refused, and the message names the field")
  func refused() {
    let changes: [(String, (inout Checkout) -> Void)] = [
      ("poolRef.name is empty", { $0.spec.poolRef.name = "" }),
      ("no name of a pool", { $0.spec.poolRef.name = "A_b" }),
      ("no name of a namespace", { $0.spec.poolRef.namespace = "a/b" }),
      ("no name of a claim", { $0.spec.claimName = "../x" }),
      ("none of ReadWriteOnce", { $0.spec.accessModes = ["ReadWriteOnce", "Sometimes"] }),
      ("cannot be combined", { $0.spec.accessModes = ["ReadWriteOncePod", "ReadOnlyMany"] }),
    ]
    for (words, change) in changes {
      #expect(CheckoutReview.problem(of: made(change))?.contains(words) == true, "\(words)")
    }
  }

  @Test(
    "the own namespace may use a pool; another one if the pool names it, or if the API server asks for the right",
    arguments: [
      ("x", [], false, true), ("y", [], false, false), ("y", ["z"], false, false), ("y", ["z", "y"], false, true),
      ("y", ["*"], false, true), ("y", [], true, true),
    ] as [(String, [String], Bool, Bool)])
  func access(namespace: String, allowed: [String], isChecked: Bool, isAllowed: Bool) throws {
    var pool = try makePool([:])
    pool.spec.allowedNamespaces = allowed
    let checkout = made { $0.metadata.namespace = namespace }
    #expect(PoolAccess(isCheckedAtAdmission: isChecked).allows(checkout, pool) == isAllowed)
  }

  @Test("a PV is handed over only while it is bound to a ready replica of the pool")
  func handOver() {
    func volume(_ holder: String?, phase: String = "Bound", isGoing: Bool = false) -> PersistentVolume {
      var volume = PersistentVolume(metadata: ObjectMeta(name: "v"))
      volume.claim = holder.map { ObjectReference(name: "r", uid: $0) }
      volume.phase = phase
      volume.metadata.deletionTimestamp = isGoing ? Timestamp(seconds: 0) : nil
      return volume
    }
    let cases: [(PersistentVolume?, HandOverVerdict)] = [
      (nil, .isLost), (volume(nil), .isLost), (volume(""), .isLost), (volume("mine"), .isOurs),
      (volume("mine", phase: "Released"), .isOurs), (volume("ready"), .handOver),
      (volume("ready", phase: "Released"), .isLost), (volume("ready", isGoing: true), .isLost),
      (volume("another"), .isLost),
    ]
    for (volume, verdict) in cases {
      #expect(HandOverVerdict(volume, claim: "mine", replicas: ["ready", "too"]) == verdict)
    }
  }
}
