import CommandLineTool
import Glibc
import LinuxSystem

/// The command, run by lab/demo: `demo first` tells the story up to the power cut where there is one, `demo second` the
/// rest on the next boot. Exits with 1 as soon as anything is not as it should be.
@main
enum Demo {
  static func main() async {
    let environment = OwnProcess.environment
    guard let products = environment["ELASTIC_LOCAL_PRODUCTS"], let kind = environment["LAB_KIND"],
      OwnProcess.arguments.count == 1
    else {
      Console.error("demo: run it by lab/demo")
      exit(2)
    }
    let node = DemoNode(root: "/mnt", products: products)
    do {
      let story = try Story(node: node, isOwnKernel: kind == "uml")
      switch OwnProcess.arguments[0] {
      case "first": try await story.firstBoot()
      case "second": try await story.secondBoot()
      case let word: throw DemoFailure("\(word) is neither first nor second")
      }
    } catch {
      Console.error("\nthe daemon said:\n\(node.daemonLog)\ndemo: \(error)")
      node.killDaemon()
      exit(1)
    }
  }
}

/// What is not as it should be.
struct DemoFailure: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}

/// Ends the demo unless that holds.
func require(_ condition: Bool, _ message: @autoclosure () -> String) throws(DemoFailure) {
  if !condition { throw DemoFailure(message()) }
}
