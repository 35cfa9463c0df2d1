internal import Controllers
package import StorageModel
package import StorageLedger

/// The parameters of a storage class, checked by the same rules as the node will apply to the volume's options.
package struct ClassParameters: Hashable, Sendable {
  package let fileSystem: FileSystemKind?
  /// As given, known to be valid.
  package let mkfsOptions: String?
  package let mountOptions: String?
  package let place: Booking.Place
  /// What the file system needs.
  package let minimumSize: ByteCount

  /// What a class can say.
  package enum Key: String, CaseIterable {
    case fsType, mkfsOptions, mountOptions, volumeGroup, thin
  }

  /// The names that other provisioners use for the file system.
  private static let fileSystemNames = ["csi.storage.k8s.io/fstype", "fstype"]

  /// - Parameter mountOptions: the class's own `mountOptions`. Kubelet refuses a FlexVolume PV that carries any, so they go
  ///   where the parameter of that name goes.
  /// - Throws: ``Refusal`` naming the parameter, and all that are known.
  package init(_ parameters: [String: String], mountOptions: [String] = []) throws(Refusal) {
    var values = parameters
    for name in Self.fileSystemNames {
      if let value = values.removeValue(forKey: name), values[Key.fsType.rawValue] == nil {
        values[Key.fsType.rawValue] = value
      }
    }
    if let unknown = values.keys.filter({ Key(rawValue: $0) == nil }).min() {
      throw Refusal(
        .invalidStorageClass,
        "storage class parameter \(quoted(unknown)) is not known; known are "
          + Key.allCases.map(\.rawValue).joined(separator: ", "))
    }
    let allMountOptions = [values[Key.mountOptions.rawValue] ?? ""] + mountOptions
    values[Key.mountOptions.rawValue] = allMountOptions.filter { !$0.isEmpty }.joined(separator: ",")
    let options: VolumeOptions
    do throws(VolumeError) {
      options = try VolumeOptions(values)
    } catch {
      throw Refusal(.invalidStorageClass, "storage class: \(error.message)")
    }
    fileSystem = options.fileSystem
    minimumSize = options.minimumSize
    mkfsOptions = Self.nonEmpty(values[Key.mkfsOptions.rawValue])
    self.mountOptions = Self.nonEmpty(values[Key.mountOptions.rawValue])
    place = Booking.Place(group: options.volumeGroup?.text, isThin: options.isThin)
  }

  /// The options of a PV's FlexVolume source.
  package func volumeOptions(size: ByteCount, isUnpinned: Bool) -> [String: String] {
    var options = ["sizeBytes": "\(size.bytes)"]
    options[Key.mkfsOptions.rawValue] = mkfsOptions
    options[Key.mountOptions.rawValue] = mountOptions
    options[Key.volumeGroup.rawValue] = place.group
    options[Key.thin.rawValue] = place.isThin.map { $0 ? "true" : "false" }
    if isUnpinned { options["binding"] = "immediate" }
    return options
  }

  private static func nonEmpty(_ text: String?) -> String? { text.flatMap { $0.isEmpty ? nil : $0 } }
}
