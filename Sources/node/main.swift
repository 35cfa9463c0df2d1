import CommandLineTool
import LinuxSystem
import StorageModel

// Before any thread starts: signals must be blocked in all threads, capabilities belong to a thread, and the allocator
// must be set to stay small.
let isDaemon = OwnProcess.arguments.first == "serve"
if isDaemon { Signals.block() } else { Signals.ignoreBrokenPipes() }
if isDaemon, !Capability.keepOnly(ServeCommand.capabilities) {
  Console.error("elastic-local-node: capabilities that are not needed could not be given up (CAP_SETPCAP is missing)")
}
OwnProcess.keepAllocatorSmall()
if isDaemon { OwnProcess.raiseDescriptorLimit() }

Task.detached {
  do throws(VolumeError) {
    Console.exit(try await Tool.run(OwnProcess.arguments, environment: OwnProcess.environment))
  } catch {
    LineWriter.lastWords("elastic-local-node: \(error)")
    Console.exit(error.code == .invalid ? 2 : 1)
  }
}
// Not `await`: libdispatch would take this thread over and unblock its signals, and SIGTERM would end the process.
if isDaemon { Signals.takeTerminations() } else { Signals.park() }
