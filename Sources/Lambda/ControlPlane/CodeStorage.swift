import Base
import Store
import Synchronization

/// Keeps an account's packages within its quota, as the zips of all versions and layers count.
///
/// To add up all versions at each deployment would cost too much for what is far below the quota. So a sum is remembered that is
/// rather too large, since what is removed is not taken from it, and it is made anew when it reaches the quota.
final class CodeStorage: Sendable {
  private struct Place: Hashable { var account: AccountID; var region: Region }

  private let store: any Store
  private let limit: Int
  private let sums = Mutex<[Place: Int]>([:])

  init(store: any Store, limit: Int) { (self.store, self.limit) = (store, limit) }

  /// Asked before so many bytes are added.
  /// - Throws: `CodeStorageExceededException`
  func admit(_ bytes: Int, _ account: AccountID, _ region: Region) async throws {
    let place = Place(account: account, region: region)
    if take(bytes, place) { return }
    let used = try await store.read { try Self.use(account, region, $0).bytes }
    sums.withLock { $0[place] = used }
    guard take(bytes, place) else { throw LambdaError.codeStorageFull() }
  }

  private func take(_ bytes: Int, _ place: Place) -> Bool {
    sums.withLock { sums in
      guard let sum = sums[place], sum + bytes <= limit else { return false }
      sums[place] = sum + bytes
      return true
    }
  }

  /// What an account has stored in a Region.
  static func use(_ account: AccountID, _ region: Region, _ reader: any Reader) throws -> (functions: Int, bytes: Int) {
    let rows = FunctionRows(reader)
    var (count, bytes) = (0, 0)
    try rows.each(account, region) { function in
      count += 1
      bytes += function.latest.codeSize
      bytes += try rows.versions(function.id).reduce(0) { $0 + $1.codeSize }
    }
    return (count, bytes + (try LayerRows(reader).totalSize(account, region)))
  }
}
