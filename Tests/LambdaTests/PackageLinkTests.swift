import Base
import TestCloud
import Testing

@testable import Lambda

@Suite struct PackageLinkTests {
  private let clock = TestClock(Instant(seconds: 1_795_234_920))
  private func query(_ link: String) -> String { String(link.split(separator: "?").last ?? "") }

  @Test func `a link opens its package for ten minutes of real time`() {
    let links = PackageLinks(.test(clock: clock))
    let query = query(links.link("abc"))
    #expect(links.hash(file: "abc.zip", query: query) == "abc")
    clock.advance(PackageLinks.validity + .seconds(1))
    #expect(links.hash(file: "abc.zip", query: query) == nil)
  }

  @Test func `neither the hash alone nor a changed link opens a package`() {
    let links = PackageLinks(.test(clock: clock))
    let query = query(links.link("abc"))
    for (file, query) in [
      ("abc.zip", ""), ("abd.zip", query), ("abc", query), ("abc.zip", query.replacing("Expires=1", by: "Expires=2")),
      ("abc.zip", String(query.dropLast(2))), ("abc.zip", "Expires=99999999999&Signature="), ("../abc.zip", query),
    ] { #expect(links.hash(file: file, query: query) == nil, "\(file)?\(query)") }
  }
}
