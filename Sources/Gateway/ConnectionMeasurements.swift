import Fabric
import HTTPServer

extension HTTPServerCounters {
  /// What the connections have met, in Prometheus' terms.
  public var measurements: [Measurement] {
    let open = [("http1", openHTTP1), ("http2", openHTTP2)].map { protocolName, count in
      Measurement(
        "dewpoint_http_connections_open", .gauge, Double(count), labels: [("protocol", protocolName)], help: "Connections that are open.")
    }
    let accepted = [("plain", self.accepted - acceptedTLS), ("tls", acceptedTLS)].map { transport, count in
      Measurement(
        "dewpoint_http_connections_accepted_total", .counter, Double(count), labels: [("transport", transport)],
        help: "Connections that were accepted.")
    }
    let refused = [
      ("connections", refusedByListener), ("connections_of_address", refusedByAddress), ("plaintext", refusedPlaintext),
      ("memory", refusedByMemory), ("malformed", malformed), ("handshake", failedHandshakes), ("http2_breach", http2Breaches),
      ("slow_head", timedOutHeads), ("slow_body", timedOutBodies), ("slow_reader", timedOutWrites), ("idle", timedOutIdle),
    ].map { reason, count in
      Measurement(
        "dewpoint_http_ended_total", .counter, Double(count), labels: [("reason", reason)],
        help: "Connections and requests that a limit has ended.")
    }
    return open + accepted + refused
  }
}
