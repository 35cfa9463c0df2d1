import CommandLineTool
import NodeProtocol
import StorageModel

/// `remove`, `retain`, `unretain`: calls the running daemon, because only the daemon changes volumes.
enum AdminCommand {
  static func run(
    _ command: String, _ words: [String], environment: [String: String]
  ) throws(VolumeError) -> Int32 {
    guard let volume = words.first, !volume.hasPrefix("--") else {
      throw VolumeError(.invalid, "\(command) needs the name of a volume")
    }
    var arguments = [command, volume]
    var socket = environment["ELASTIC_LOCAL_SOCKET"] ?? ProductNames.defaultSocket
    let known: Set<String> = command == "remove" ? ["socket", "claim"] : ["socket"]
    for (name, value) in try Flags.parse(Array(words.dropFirst()), known: known, of: "elastic-local-node \(command)") {
      if name == "socket" { socket = value } else { arguments.append(value) }
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
