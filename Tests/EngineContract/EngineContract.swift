internal import LogicalVolumes
internal import StorageModel

/// What every engine promises, as cases that any test target can run against any engine.
package enum EngineContract {
}
