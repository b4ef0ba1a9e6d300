import ArgumentParser
import Base

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Prints the local authority's certificate, for clients to trust.
struct Trust: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Print the certificate of the local authority that `up --tls` uses.",
    discussion: "Standard output has the certificate (PEM) and nothing else:  dewpoint trust > dewpoint-ca.pem")

  @Option(help: ArgumentHelp("The server's data directory.", discussion: "Default: ~/.dewpoint", valueName: "dir"))
  var data: String?

  func run() async throws {
    let directory = try DataDirectory(data ?? ServerSettings.defaultData)
    let authority = try TLSFiles(dataDirectory: directory.root, clock: AdjustableClock(mode: .running(offset: .zero))).authority()
    print(try authority.pem().certificate)
    let advice =
      """
      Clients that are to trust https://localhost:4566 (save the certificate first, as above):
        AWS CLI, boto3     export AWS_CA_BUNDLE=$PWD/dewpoint-ca.pem
        Node.js            export NODE_EXTRA_CA_CERTS=$PWD/dewpoint-ca.pem
        curl               curl --cacert dewpoint-ca.pem https://localhost:4566/_dewpoint/health
        Python requests    export REQUESTS_CA_BUNDLE=$PWD/dewpoint-ca.pem
      Its key stays in \(directory.root)/tls. Whoever has that key can pose as any host to clients that trust the certificate.

      """
    _ = write(STDERR_FILENO, advice, advice.utf8.count)
  }
}
