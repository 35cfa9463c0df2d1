extension Model {
  /// Whether an operation has been acknowledged completely.
  func shows(_ operation: Operation) -> Bool {
    let volume = volumes[operation.volume]
    switch operation {
    case .make(_, let pod), .mount(_, let pod, _): return volume?.pods[pod] != nil
    case .unmount(_, let pod): return volume != nil && volume?.pods[pod] == nil
    case .write(_, _, let files):
      // If a name has several contents, the last one counts.
      let last = Dictionary(files.map { ($0.name, $0.content) }) { $1 }
      return last.allSatisfy { volume?.files[$0.key] == $0.value && volume?.doubts[$0.key] == nil }
    case .grow(_, let mebibytes): return (volume?.mebibytes ?? 0) >= mebibytes
    case .remove: return volume == nil
    }
  }
}
