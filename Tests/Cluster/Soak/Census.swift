/// What a node has at a moment.
struct Census {
  enum Field: String, CaseIterable {
    case descriptors, threads, children, resident, mounts, volumes, devices, loops, files, persistentVolumes = "PVs"
  }

  private var figures: [Field: Int] = [:]

  /// `resident` is in KiB.
  subscript(field: Field) -> Int {
    get { figures[field] ?? 0 }
    set { figures[field] = newValue }
  }

  static var heading: String { line("round", Field.allCases.map(\.rawValue)) }

  func line(_ round: Int) -> String { Self.line("\(round)", Field.allCases.map { "\(self[$0])" }) }

  /// The most that a node may have that had this after its first round.
  ///
  /// LVM keeps 64 archives, and has not that many after the first round. Connections to the API server and workers come and go
  /// by two or three; what leaks does so with each of hundreds of calls.
  var limits: [(field: Field, limit: Int)] {
    Field.allCases.map { field in
      switch field {
      case .files: (field, self[field] + 64)
      case .descriptors, .threads: (field, self[field] + 4)
      case .resident: (field, self[field] * 110 / 100)
      default: (field, self[field])
      }
    }
  }

  private static func line(_ first: String, _ others: [String]) -> String {
    ([first] + others).map { String(repeating: " ", count: max(0, 11 - $0.count)) + $0 }.joined(separator: " ")
  }
}
