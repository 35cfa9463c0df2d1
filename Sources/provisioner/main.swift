import CommandLineTool
import LinuxSystem
import StorageModel

// Before anything else has a thread: signals are to be blocked in all of them, and the allocator is to be told to stay small.
Signals.block()
OwnProcess.keepAllocatorSmall()
OwnProcess.raiseDescriptorLimit()

Task.detached {
  do throws(VolumeError) {
    Console.exit(try await Tool.run(OwnProcess.arguments, environment: OwnProcess.environment))
  } catch {
    LineWriter.lastWords("elastic-local-provisioner: \(error)")
    Console.exit(error.code == .invalid ? 2 : 1)
  }
}
// Not `await`: libdispatch would take this thread over and unblock its signals, and SIGTERM would end the process.
Signals.takeTerminations()
