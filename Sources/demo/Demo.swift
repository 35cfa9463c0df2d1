import CommandLineTool
import Glibc
import LinuxSystem

/// The command that lab/demo runs. `demo first` runs the scenario up to the power cut, if there is one. `demo second`
/// runs the rest on the next boot. Exits with 1 at the first unexpected result.
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
      let scenario = try Scenario(node: node, isOwnKernel: kind == "uml")
      switch OwnProcess.arguments[0] {
      case "first": try await scenario.firstBoot()
      case "second": try await scenario.secondBoot()
      case let word: throw DemoFailure("\(word) is neither first nor second")
      }
    } catch {
      Console.error("\nthe daemon said:\n\(node.daemonLog)\ndemo: \(error)")
      node.killDaemon()
      exit(1)
    }
  }
}

/// An unexpected result.
struct DemoFailure: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}

/// Ends the demo unless the condition holds.
func require(_ condition: Bool, _ message: @autoclosure () -> String) throws(DemoFailure) {
  if !condition { throw DemoFailure(message()) }
}
