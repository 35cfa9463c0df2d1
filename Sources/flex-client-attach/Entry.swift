import FlexClient

/// `elastic-local` as installed for clusters that use the attach path.
///
/// SwiftPM makes the linker use this symbol as `main`. Unlike top-level code it receives the arguments. Embedded Swift
/// has no other way to get them.
@c(flex_client_attach_main)
func entry(argc: Int32, argv: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Int32 {
  runFlexClient(argc: argc, argv: argv, attach: true)
}
