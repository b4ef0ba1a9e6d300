import Base

/// Path and query of a request target, neither decoded nor normalised.
struct Target {
  let path: Substring
  let query: Substring

  init(_ target: String) {
    var rest = target[...]
    if rest.utf8.first != UInt8(ascii: "/"), let scheme = rest.utf8.firstRange(of: "://".utf8) {
      // The absolute form, which only proxies should see.
      let afterHost = rest[scheme.upperBound...].utf8.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") }
      rest = rest[(afterHost ?? rest.endIndex)...]
    }
    let mark = rest.utf8.firstIndex(of: UInt8(ascii: "?")) ?? rest.endIndex
    path = rest[..<mark]
    query = mark == rest.endIndex ? "" : rest[rest.utf8.index(after: mark)...]
  }
}

/// The text whose hash is signed.
enum CanonicalRequest {
  /// A way to write path and query. The first that applies is what the specification says.
  struct Reading: Equatable {
    var path: [UInt8]
    var query: [UInt8]
  }

  /// In the order to try.
  static func readings(_ target: String, isS3: Bool, isPresigned: Bool) -> [Reading] {
    let target = Target(target)
    let raw = queryAsSent(target.query, isPresigned), encoded = queryEncoded(target.query, isPresigned)
    let paths = isS3 ? s3Paths(target.path) : [percentEncoded(normalised(target.path), keepSlash: true)].map { Array($0.utf8) }
    return paths.flatMap { path in raw == encoded ? [Reading(path: path, query: raw)]
      : [Reading(path: path, query: encoded), Reading(path: path, query: raw)] }
  }
  /// Nearly every request is `/` without a query.
  static func first(_ target: String, isS3: Bool, isPresigned: Bool) -> Reading {
    if target == "/" { return Reading(path: [UInt8(ascii: "/")], query: []) }
    let target = Target(target)
    let path = isS3 ? Array(target.path.isEmpty ? "/".utf8 : String(target.path).utf8)
      : Array(percentEncoded(normalised(target.path), keepSlash: true).utf8)
    return Reading(path: path, query: queryEncoded(target.query, isPresigned))
  }

  /// Clients differ on `=,!*'()`: as sent, then decoded and encoded strictly.
  private static func s3Paths(_ path: Substring) -> [[UInt8]] {
    let raw = Array(path.isEmpty ? "/".utf8 : String(path).utf8)
    let strict = Array(percentEncoded(percentDecoded(raw), keepSlash: true).utf8)
    return raw == strict ? [raw] : [raw, strict]
  }

  /// Without empty and dot segments. A slash at the end stays.
  static func normalised(_ path: Substring) -> [UInt8] {
    let slash = UInt8(ascii: "/"), dot = UInt8(ascii: ".")
    let bytes = Array(path.utf8)
    var kept: [ArraySlice<UInt8>] = []
    for segment in bytes.split(separator: slash) where !segment.elementsEqual(CollectionOfOne(dot)) {
      if segment.elementsEqual([dot, dot]) { _ = kept.popLast() } else { kept.append(segment) }
    }
    var out: [UInt8] = []
    out.reserveCapacity(bytes.count + 1)
    for segment in kept {
      out.append(slash)
      out += segment
    }
    if out.isEmpty || bytes.last == slash { out.append(slash) }
    return out
  }

  /// Pairs in the client's own encoding.
  private static func queryAsSent(_ query: Substring, _ isPresigned: Bool) -> [UInt8] {
    sorted(pairs(query, isPresigned, keepsEmpty: true))
  }
  /// Pairs decoded and encoded strictly, with `+` read as a blank.
  private static func queryEncoded(_ query: Substring, _ isPresigned: Bool) -> [UInt8] {
    if query.isEmpty { return [] }
    return sorted(
      pairs(query, isPresigned, keepsEmpty: false).map { name, value in (strict(name), strict(value)) })
  }
  private static func strict(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    let isStrict = text.allSatisfy { b in
      switch b {
      case 48...57, 65...90, 97...122, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"): true
      default: false
      }
    }
    return isStrict ? text : Array(percentEncoded(percentDecoded(text, plusIsSpace: true)).utf8)[...]
  }
  private typealias Pair = (name: ArraySlice<UInt8>, value: ArraySlice<UInt8>)
  private static func pairs(_ query: Substring, _ isPresigned: Bool, keepsEmpty: Bool) -> [Pair] {
    if query.isEmpty { return [] }
    return Array(query.utf8).split(separator: UInt8(ascii: "&"), omittingEmptySubsequences: !keepsEmpty).compactMap { pair in
      let equals = pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.endIndex
      if isPresigned, pair[..<equals].elementsEqual("X-Amz-Signature".utf8) { return nil }
      return (pair[..<equals], pair[equals...].dropFirst())
    }
  }
  private static func sorted(_ pairs: [Pair]) -> [UInt8] {
    var out: [UInt8] = []
    let ordered = pairs.sorted { a, b in
      a.name.lexicographicallyPrecedes(b.name) || (a.name == b.name && a.value.lexicographicallyPrecedes(b.value))
    }
    for (name, value) in ordered {
      if !out.isEmpty { out.append(UInt8(ascii: "&")) }
      out += name
      out.append(UInt8(ascii: "="))
      out += value
    }
    return out
  }

  static func write(
    _ method: String, _ reading: Reading, _ headers: HeaderFields, signed names: [String], payload: String
  ) -> [UInt8] {
    let newline = UInt8(ascii: "\n")
    var out: [UInt8] = []
    out.reserveCapacity(1024)
    out += method.utf8
    out.append(newline)
    out += reading.path
    out.append(newline)
    out += reading.query
    out.append(newline)
    for name in names {
      out += name.utf8
      out.append(UInt8(ascii: ":"))
      appendValues(of: name, headers, &out)
      out.append(newline)
    }
    out.append(newline)
    for (i, name) in names.enumerated() {
      if i > 0 { out.append(UInt8(ascii: ";")) }
      out += name.utf8
    }
    out.append(newline)
    out += payload.utf8
    return out
  }

  /// Trimmed, runs of blanks as one, repeated fields joined by commas. A field that is not there has an empty value.
  private static func appendValues(of name: String, _ headers: HeaderFields, _ out: inout [UInt8]) {
    var isFirst = true
    for field in headers.fields where field.name == name {
      if !isFirst { out.append(UInt8(ascii: ",")) }
      isFirst = false
      var pendingBlank = false
      let start = out.count
      for byte in field.value.utf8 {
        if byte == 32 || (byte >= 9 && byte <= 13) {
          pendingBlank = true
        } else {
          if pendingBlank, out.count > start { out.append(32) }
          pendingBlank = false
          out.append(byte)
        }
      }
    }
  }
}
