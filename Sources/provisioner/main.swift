import CommandLineTool
import LinuxSystem
import StorageModel

// Before any thread starts: signals must be blocked in all threads, and the allocator must be set to stay small.
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
