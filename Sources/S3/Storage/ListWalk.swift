import Base
import Store

/// What a list asks for.
struct ListQuery: Sendable {
  var prefix: String
  var delimiter: String?
  /// Items and groups together.
  var maximum: Int
  /// Where the page before ended.
  var place: Keys.Place?

  /// The group that a key is told in: up to the first delimiter behind the prefix. Nil: it is told by itself.
  func group(of key: String) -> String? {
    guard let delimiter, !delimiter.isEmpty else { return nil }
    let (bytes, mark) = (Array(key.utf8), Array(delimiter.utf8))
    var at = prefix.utf8.count
    while at + mark.count <= bytes.count {
      if bytes[at..<(at + mark.count)].elementsEqual(mark) { return bytes[..<(at + mark.count)].utf8Text }
      at += 1
    }
    return nil
  }

  /// The place behind a marker that a client sends. A marker that is itself a group leaves all of it behind.
  func place(behind marker: String) -> Keys.Place {
    if let group = group(of: marker), group.isExactly(marker) { return .afterAll(group) }
    return .after(marker)
  }
}

/// A page of a list.
struct ListPage<Item: Sendable>: Sendable {
  var items: [Item] = []
  var groups: [String] = []
  /// Where the next page begins; nil when this is the last one.
  var next: Keys.Place?
}

extension Reader {
  /// Walks keys in their order, and passes each group by in one step however many keys are in it.
  /// - Parameters:
  ///   - range: the rows from a place on.
  ///   - name: the object's key in the key of a row.
  ///   - item: nil leaves the row out.
  func list<Item: Sendable>(
    _ query: ListQuery, range: (Keys.Place?) -> KeyRange, name: (Key) throws -> String, item: (String, Key, [UInt8]) throws -> Item?
  ) throws -> ListPage<Item> {
    var page = ListPage<Item>()
    guard query.maximum > 0 else { return page }
    var place = query.place
    var last = query.place
    var goesOn = true
    while goesOn {
      goesOn = false
      try scan(range(place)) { key, value in
        let key = (row: key, name: try name(key))
        let group = query.group(of: key.name)
        // The row decides whether there is anything to tell: a group of delete markers alone is none.
        guard let item = try item(key.name, key.row, value) else { return true }
        guard page.items.count + page.groups.count < query.maximum else {
          page.next = last
          return false
        }
        if let group {
          page.groups.append(group)
          last = .afterAll(group)
          place = last
          goesOn = true
          return false
        }
        page.items.append(item)
        last = .after(key.name)
        return true
      }
    }
    return page
  }
}

/// Where the next page begins, as a token that says nothing to a client.
enum ContinuationToken {
  static func text(_ place: Keys.Place) -> String {
    switch place {
    case .from(let key): Array("f\(key)".utf8).base64
    case .after(let key): Array("k\(key)".utf8).base64
    case .afterAll(let group): Array("g\(group)".utf8).base64
    }
  }

  /// Throws InvalidArgument.
  static func place(_ text: String) throws(AWSError) -> Keys.Place {
    let bytes = decodeBase64(text) ?? []
    let rest = bytes.dropFirst().utf8Text
    switch bytes.first {
    case UInt8(ascii: "f")?: return .from(rest)
    case UInt8(ascii: "k")?: return .after(rest)
    case UInt8(ascii: "g")?: return .afterAll(rest)
    default: throw S3Error.invalidArgument("The continuation token provided is incorrect", "continuation-token", text)
    }
  }
}
