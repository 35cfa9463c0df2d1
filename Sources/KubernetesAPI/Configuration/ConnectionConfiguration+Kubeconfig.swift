internal import LinuxSystem

extension ConnectionConfiguration {
  /// Reads a kubeconfig in JSON form, with its current context unless another is named. Blocks while it reads the file.
  ///
  /// - Throws: ``TransportError/Kind/credentials`` with what is missing or not supported.
  package static func kubeconfig(
    _ path: String, context: String? = nil
  ) throws(TransportError) -> ConnectionConfiguration {
    let bytes: [UInt8]
    do throws(SystemError) {
      bytes = try Files.readAll(path)
    } catch {
      throw TransportError(.credentials, "the kubeconfig cannot be read: \(error)")
    }
    let directory = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    return try Kubeconfig(bytes, directory: directory).configuration(context: context)
  }
}
