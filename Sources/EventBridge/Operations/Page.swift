import Base
import Crypto
import Store

/// One page of a list in the order of keys. The token is a digest of the query, so that no other can go on with it, and the last key
/// shown.
struct Page: Sendable {
  let limit: Int
  let after: Key?
  private let query: [UInt8]

  /// - Parameter query: all that decides what is listed.
  init(limit: Int?, token: String?, of query: String) throws(AWSError) {
    self.limit = limit ?? EventBridgeLimits.listPage
    self.query = Array(SHA256.hash(data: Array(query.utf8))).prefix(12).map { $0 }
    guard let token else { after = nil; return }
    guard let bytes = decodeBase64(token), bytes.count > 12, bytes.prefix(12).elementsEqual(self.query) else {
      throw EventBridgeError.invalid("NextToken", "The token is not one of this list.")
    }
    after = Key(bytes: Array(bytes.dropFirst(12)))
  }

  /// - Parameter last: the last key shown; nil when nothing is left.
  func token(_ last: Key?) -> String? {
    last.map { (query + $0.bytes).base64.replacing("+", by: "-").replacing("/", by: "_").replacing("=", by: "") }
  }

  /// The rows that are wanted, filtered, a page of them.
  /// - Parameter room: for how many rows there is room in this page, if something else takes a part of it.
  func list<Row>(
    _ table: Table<Row>, below prefix: Key, _ reader: any Reader, room: Int? = nil,
    where isWanted: (Row) -> Bool = { _ in true }
  ) throws -> (rows: [Row], token: String?) {
    let limit = room ?? limit
    var (rows, from): ([Row], Key?) = ([], after)
    // Nothing sorts before the prefix itself.
    if limit == 0 { return ([], try table.list(idPrefix: prefix, after: after, limit: 1, reader).rows.isEmpty ? nil : token(prefix)) }
    while true {
      let page = try table.list(idPrefix: prefix, after: from, limit: limit, reader)
      for (place, item) in page.rows.enumerated() where isWanted(item.row) {
        rows.append(item.row)
        guard rows.count == limit else { continue }
        let isLast = place == page.rows.count - 1 && page.next == nil
        return (rows, isLast ? nil : token(item.id))
      }
      guard let next = page.next else { return (rows, nil) }
      from = next
    }
  }
}
