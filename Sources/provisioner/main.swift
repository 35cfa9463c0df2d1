import CommandLineTool
import LinuxSystem
import StorageModel

// Before any thread starts: signals must be blocked in all threads, and the memory allocator's limits must be set.
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
// Not `await`: libdispatch would use this thread and unblock its signals. SIGTERM would then end the process at once.
Signals.takeTerminations()
