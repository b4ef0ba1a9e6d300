import Logging
import Synchronization

/// A catalogue that says in the log, once for each identifier, when another version of the language serves it.
final class NoticedCatalog: RuntimeCatalog {
  private let catalog: any RuntimeCatalog
  private let logger: Logger
  private let noticed = Mutex<Set<String>>([])

  init(_ catalog: any RuntimeCatalog, logger: Logger) { (self.catalog, self.logger) = (catalog, logger) }

  func support(for runtime: String) -> RuntimeSupport {
    let support = catalog.support(for: runtime)
    if case .nearest(let served) = support, noticed.withLock({ $0.insert(runtime).inserted }) {
      logger.notice("a runtime is served by the nearest one of this host", metadata: ["runtime": "\(runtime)", "by": "\(served)"])
    }
    return support
  }
}
