internal import CLinux

/// What a thread of root may do beyond an ordinary one, by the number of capabilities(7).
package enum Capability: Int, CaseIterable, Sendable {
  case overridePermissions = 1
  case actAsOwner = 3
  case ptrace = 19
  case administer = 21
  case exceedResources = 24
  case makeDeviceNodes = 27

  /// As setpriv(1) and capabilities(7) have it, without `CAP_`.
  package var name: String {
    switch self {
    case .overridePermissions: "DAC_OVERRIDE"
    case .actAsOwner: "FOWNER"
    case .ptrace: "SYS_PTRACE"
    case .administer: "SYS_ADMIN"
    case .exceedResources: "SYS_RESOURCE"
    case .makeDeviceNodes: "MKNOD"
    }
  }

  /// Gives up all others, for this process and its children: to be called first in main, before any other thread exists.
  ///
  /// - Returns: whether the kernel agreed. A process that has capabilities and not `CAP_SETPCAP` can not.
  package static func keepOnly(_ kept: [Capability]) -> Bool {
    clinux_keep_capabilities(kept.reduce(0) { $0 | 1 << UInt64($1.rawValue) }) == 0
  }

  /// Those of them that are in effect for the calling thread.
  package static var effective: [Capability] {
    let bits = clinux_effective_capabilities()
    return allCases.filter { bits >> UInt64($0.rawValue) & 1 == 1 }
  }
}
