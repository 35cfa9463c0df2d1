package import KubernetesAPI
internal import Synchronization

/// The caches of a process. Each kind is listed and watched once.
package final class Caches: Sendable {
  private let client: APIClient
  private let report: @Sendable (_ name: String, APIError, _ wait: Duration) -> Void
  private let all = Mutex<[String: any FollowedCache]>([:])

  /// - Parameter report: told of what could not be read, why, and after what time it is tried again.
  package init(
    _ client: APIClient, report: @escaping @Sendable (_ name: String, APIError, _ wait: Duration) -> Void
  ) {
    self.client = client
    self.report = report
  }

  /// Creates the cache of a kind. Call it once per kind, and pass the cache to all who need the kind. A second call is a
  /// programming error and ends the process.
  ///
  /// - Parameters:
  ///   - name: what it holds, for log and metrics.
  ///   - keep: what is kept of an object, and costs memory; nil for one that nobody wants.
  package func cache<Object: APIObject, Value: Sendable>(
    _ name: String, _ selection: Selection = .all, of resource: APIResource = Object.resource,
    keep: @escaping @Sendable (Object) -> Value?
  ) -> ObjectCache<Value> {
    let report = report
    let cache = ObjectCache<Value>(
      name, client, selection, resource, report: { report(name, $0, $1) }, keep: keep)
    all.withLock { all in
      let kind = "\(resource.apiVersion)/\(resource.name)"
      precondition(all[kind] == nil, "\(kind) has a cache already")
      all[kind] = cache
    }
    return cache
  }

  /// The cache of a kind with all of each object that the type has.
  package func cache<Object: APIObject>(
    _ name: String, _ type: Object.Type, _ selection: Selection = .all
  ) -> ObjectCache<Object> {
    cache(name, selection) { (object: Object) in object }
  }

  /// Follows all of them until the task is cancelled. Call once.
  package func run() async {
    let all = all.withLock { Array($0.values) }
    await withDiscardingTaskGroup { group in
      for cache in all { group.addTask { await cache.run() } }
    }
  }
}
