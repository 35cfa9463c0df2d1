internal import CLinux

/// A Linux capability that this project uses, by its number in capabilities(7).
package enum Capability: Int, CaseIterable, Sendable {
  case overridePermissions = 1
  case actAsOwner = 3
  case ptrace = 19
  case administer = 21
  case exceedResources = 24
  case makeDeviceNodes = 27

  /// The name in setpriv(1) and capabilities(7), without `CAP_`.
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

  /// Drops all other capabilities of this process and its children. Call it first in main, before any other thread
  /// exists.
  ///
  /// - Returns: whether the kernel accepted it. It does not if the process has capabilities to drop but lacks
  ///   `CAP_SETPCAP`.
  package static func keepOnly(_ kept: [Capability]) -> Bool {
    clinux_keep_capabilities(kept.reduce(0) { $0 | 1 << UInt64($1.rawValue) }) == 0
  }

  /// The known capabilities in effect for the calling thread.
  package static var effective: [Capability] {
    let bits = clinux_effective_capabilities()
    return allCases.filter { bits >> UInt64($0.rawValue) & 1 == 1 }
  }
}
