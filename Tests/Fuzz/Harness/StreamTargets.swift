import Base
@testable import Kinesis

/// Numbers and tokens of Kinesis: what is written reads the same.
func fuzzStreamTokens(_ bytes: [UInt8]) {
  let text = bytes.utf8Text
  if let number = SequenceNumber(text) {
    promise(SequenceNumber(number.text) == number, "a sequence number is its text: \(text)")
    promise(number.numberAfter >= number.number, "behind a record is not before it")
  }
  if let iterator = ShardIterator(text) ?? ShardIterator("AAAAAAAAAAE" + bytes.base64) {
    promise(ShardIterator(iterator.text) == iterator, "an iterator is its text")
    _ = KinesisError.expiredIterator(made: iterator.made, now: .distantFuture)
  }
  for token in [text, bytes.base64] {
    if let read = try? ListToken(token, now: .epoch) { promise((try? ListToken(read.text, now: .epoch)) == read, "a token is its text") }
  }
  if let name = ARN(text).flatMap({ ConsumerName($0) }) { promise(ConsumerName(name.arn) == name, "a consumer's ARN names it") }
  if let key = HashRange.key(text) { promise(HashRange.key(String(key)) == key, "a hash key is its digits") }
  let count = 1 + Int(bytes.first ?? 0) * 40
  let ranges = HashRange.uniform(count)
  promise(ranges.first?.first == 0 && ranges.last?.last == .max, "the parts are the whole")
  promise(zip(ranges, ranges.dropFirst()).allSatisfy { $0.last + 1 == $1.first && $0.first <= $0.last }, "no key is in two parts or in none")
}
