import StorageModel

/// One thick group `vg` with 4 MiB extents, the default.
func storage(_ node: String, gibibytes: UInt64, reserved: UInt64 = 0) -> NodeStorage {
  NodeStorage(
    node: node, defaultGroup: "vg", isThinByDefault: false,
    classes: [
      .init(
        group: "vg", isThin: false, sizeBytes: gibibytes << 30, reservedBytes: reserved << 30, extentBytes: 4 << 20)
    ])
}
