import CommandLineTool
import NodeProtocol
import StorageModel

/// `remove`, `retain`, `unretain`: asks the running daemon, which alone owns the volumes.
enum AdminCommand {
  static func run(
    _ command: String, _ words: [String], environment: [String: String]
  ) throws(VolumeError) -> Int32 {
    guard let volume = words.first, !volume.hasPrefix("--") else {
      throw VolumeError(.invalid, "\(command) wants the name of a volume")
    }
    var arguments = [command, volume]
    var socket = environment["ELASTIC_LOCAL_SOCKET"] ?? ProductNames.defaultSocket
    for (name, value) in try Flags.parse(Array(words.dropFirst())) {
      switch name {
      case "socket": socket = value
      case "claim" where command == "remove": arguments.append(value)
      default: throw VolumeError(.invalid, "\(command) has no flag --\(name)")
      }
    }
    let reply = try NodeClient.call(Request(arguments), socket: socket)
    if reply.isSuccess {
      Console.print(reply.message ?? "done")
      return 0
    }
    Console.error("elastic-local-node: \(reply.message ?? reply.status)")
    return 1
  }
}
