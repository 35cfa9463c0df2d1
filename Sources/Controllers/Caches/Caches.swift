package import KubernetesAPI
internal import Synchronization

/// The caches of a process. Each kind is listed and watched once.
package final class Caches: Sendable {
  private let client: APIClient
  private let report: @Sendable (_ name: String, APIError, _ wait: Duration) -> Void
  private let all = Mutex<[String: any FollowedCache]>([:])

  /// - Parameter report: called after each failed read, with the name of the cache, the error, and the time until the
  ///   next attempt.
  package init(
    _ client: APIClient, report: @escaping @Sendable (_ name: String, APIError, _ wait: Duration) -> Void
  ) {
    self.client = client
    self.report = report
  }

  /// Creates the cache of a kind. Call it once per kind, and pass the cache to all that need the kind. A second call is
  /// a programming error and ends the process.
  ///
  /// - Parameters:
  /// - name: the name of the content, for log and metrics.
  /// - keep: returns the value that the cache stores for an object; nil for an object to be left out.
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

  /// Creates the cache of a kind that stores all fields of the type.
  package func cache<Object: APIObject>(
    _ name: String, _ type: Object.Type, _ selection: Selection = .all
  ) -> ObjectCache<Object> {
    cache(name, selection) { (object: Object) in object }
  }

  /// Follows all collections until the task is cancelled. Call once.
  package func run() async {
    let all = all.withLock { Array($0.values) }
    await withDiscardingTaskGroup { group in
      for cache in all { group.addTask { await cache.run() } }
    }
  }
}
