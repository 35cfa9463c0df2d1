internal import Glibc

extension MountTable {
  /// Reads the mount tables of all mount namespaces that have a process in /proc, each once. Seeing the containers of a
  /// node requires the host's PID namespace. Blocks for one small read per process.
  ///
  /// - Throws: the error of a read. A process that ends meanwhile is skipped. A table that cannot be read for another
  ///   reason is an error, because its mounts are unknown.
  package static func ofAllNamespaces() throws(SystemError) -> [MountTable] {
    var seen: Set<String> = []
    var tables: [MountTable] = []
    for process in try Files.list("/proc") where process.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
      guard let namespace = try namespace(of: process), seen.insert(namespace).inserted else { continue }
      do throws(SystemError) {
        tables.append(try MountTable(parsing: try Files.readAll("/proc/\(process)/mountinfo", limit: 64 << 20)))
      } catch {
        guard isOfOneThatEnded(error) else { throw error }
        // The process ended between the two reads. Another process of that namespace may still give the table.
        seen.remove(namespace)
      }
    }
    return tables
  }

  private static func namespace(of process: String) throws(SystemError) -> String? {
    do throws(SystemError) {
      return try Files.readLink("/proc/\(process)/ns/mnt")
    } catch {
      guard isOfOneThatEnded(error) else { throw error }
      return nil
    }
  }

  private static func isOfOneThatEnded(_ error: SystemError) -> Bool {
    error.errno == .noEntry || error.errno == .invalid || error.errno.rawValue == ESRCH
  }
}
