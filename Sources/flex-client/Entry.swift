import FlexClient

/// `elastic-local` as installed by default: volumes need no attaching.
///
/// SwiftPM makes the linker take this symbol for `main`; unlike top-level code it is handed the arguments, which
/// Embedded Swift has no other way to come by.
@c(flex_client_main)
func entry(argc: Int32, argv: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Int32 {
  runFlexClient(argc: argc, argv: argv, attach: false)
}
