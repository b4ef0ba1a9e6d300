import Base
import Testing

@testable import DynamoDB

struct NumberTests {
  @Test(arguments: [
    ("0", "0"), ("-0.000", "0"), ("1", "1"), ("100", "100"), ("1e2", "100"), ("1E-3", "0.001"), ("-12.50", "-12.5"), ("+7", "7"), (".5", "0.5"),
    ("5.", "5"), ("00012.3400", "12.34"), ("1e125", "1" + String(repeating: "0", count: 125)),
    ("1234567890123456789012345678901234567.8", "1234567890123456789012345678901234567.8"),
  ])
  func `a number is shown without exponent and without zeroes that say nothing`(given: String, shown: String) throws {
    let number = try Number(given)
    #expect(number.text == shown)
    #expect(Number(bytes: number.bytes) == number)
  }

  @Test(arguments: [("", Number.Failure.notANumber), ("a", .notANumber), ("1e", .notANumber), ("--1", .notANumber), ("1 ", .notANumber),
    ("1e126", .overflow), ("-1e126", .overflow), ("1e-131", .underflow), ("123456789012345678901234567890123456789", .tooPrecise)])
  func `what is no number, too large, too small or too precise is refused`(given: String, failure: Number.Failure) {
    #expect(throws: failure) { try Number(given) }
  }

  @Test func `bytes compare as the numbers do`() throws {
    let ascending = [
      "-9.9e125", "-1000", "-999.9", "-10", "-9.99", "-9.9", "-1.1", "-1", "-0.5", "-1e-130", "0", "1e-130", "0.09", "0.1", "0.11", "1", "1.01", "1.1",
      "2", "9.99", "10", "10.5", "99", "100", "1e20", "9.9e125",
    ]
    let bytes = try ascending.map { try Number($0).bytes }
    for (a, b) in zip(bytes, bytes.dropFirst()) { #expect(a.lexicographicallyPrecedes(b)) }
  }

  @Test func `sums and order agree with whole numbers`() throws {
    let random = SeededRandom(seed: 11)
    for _ in 0..<2000 {
      let a = Int(random.number(below: 2_000_000)) - 1_000_000, b = Int(random.number(below: 2000)) - 1000
      let (x, y) = (Number(a), Number(b))
      #expect(try x.adding(y) == Number(a + b))
      #expect(try x.subtracting(y) == Number(a - b))
      #expect(x.bytes.lexicographicallyPrecedes(y.bytes) == (a < b))
      #expect(x.int == Int64(a))
    }
  }

  @Test(arguments: [("0.1", "0.2", "0.3"), ("1e20", "1", "100000000000000000001"), ("-5", "5", "0"), ("1.5", "-2", "-0.5")])
  func `decimal fractions add exactly`(a: String, b: String, sum: String) throws {
    #expect(try Number(a).adding(Number(b)).text == sum)
  }
  @Test func `a sum that needs more digits than there are is refused`() throws {
    #expect(throws: Number.Failure.tooPrecise) { try Number("1e100").adding(Number("1")) }
  }
}
