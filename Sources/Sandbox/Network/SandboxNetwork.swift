// SPDX-License-Identifier: Apache-2.0

/// What a sandbox reaches beside the sockets that were opened in it.
public enum SandboxNetwork: String, Sendable, CaseIterable {
  /// Its own loopback only.
  case none
  /// What the host reaches, by TCP and UDP over IPv4, but nothing of the host itself. Where the host cannot give that, nothing.
  case outbound
}
