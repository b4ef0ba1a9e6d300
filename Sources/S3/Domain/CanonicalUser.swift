import Base
import Crypto

/// The canonical user id of an account, 64 hexadecimal digits, by which S3 names owners and grantees.
///
/// AWS hands them out at random. Here they are made from the account and lead back to it: 20 bytes of a digest and the twelve digits.
enum CanonicalUser {
  static func id(_ account: AccountID) -> String { (digest(account) + Array(account.text.utf8)).hex }

  /// Nil for an id that is no account's.
  static func account(_ id: String) -> AccountID? {
    guard let bytes = decodeHex(id), bytes.count == 32, let account = AccountID(Array(bytes.suffix(12)).utf8Text),
      digest(account) == Array(bytes.prefix(20))
    else { return nil }
    return account
  }

  private static func digest(_ account: AccountID) -> [UInt8] {
    Array(SHA256.hash(data: Array("canonical user of \(account)".utf8)).prefix(20))
  }
}
