internal import Glibc

extension MountTable {
  /// The tables of all mount namespaces that have a process visible in /proc, each once. Needs the host's process
  /// namespace to see the containers of a node. Blocks for a small read a process.
  ///
  /// A process that ends meanwhile is passed over; one whose table can not be read for another reason is an error, since
  /// what it holds is not known.
  package static func ofAllNamespaces() throws(SystemError) -> [MountTable] {
    var seen: Set<String> = []
    var tables: [MountTable] = []
    for process in try Files.list("/proc") where process.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
      guard let namespace = try namespace(of: process), seen.insert(namespace).inserted else { continue }
      do throws(SystemError) {
        tables.append(try MountTable(parsing: try Files.readAll("/proc/\(process)/mountinfo", limit: 64 << 20)))
      } catch {
        guard isOfOneThatEnded(error) else { throw error }
        // Ended between the two: another process of that namespace has its turn.
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
