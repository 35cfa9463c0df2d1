internal import LinuxSystem

/// A failed transfer in libcurl's terms, and its meaning for an operator.
struct CurlFailure {
  /// `CURLcode`, libcurl-errors(3).
  let code: Int
  /// libcurl's own message.
  let text: String
  /// OpenSSL's result of the certificate check, `X509_V_ERR_…` of x509_vfy.h; 0 when it accepts the certificate.
  let verification: Int
  let server: String

  /// - Parameter now: this machine's clock, which the check of certificates uses.
  func error(now: Timestamp) -> TransportError {
    let target = "API server \(server)"
    switch code {
    case 5, 6, 7: return TransportError(.unreachable, "\(target) cannot be reached: \(text)")
    case 28: return TransportError(.timedOut, "\(target) did not answer in time: \(text)")
    case 51, 60, 83: return TransportError(.untrusted, "\(target) is not trusted: \(distrust(now))")
    case 58, 66: return TransportError(.credentials, "the client certificate or its key cannot be used: \(text)")
    case 77: return TransportError(.credentials, "the certificate authority is not a usable PEM: \(text)")
    case 35: return TransportError(.untrusted, "\(target): no TLS connection: \(text)")
    case 1, 3: return TransportError(.credentials, "\(server) is not a usable address: \(text)")
    case 8, 16, 61, 92: return TransportError(.malformed, "\(target) sent a malformed reply: \(text)")
    default: return TransportError(.broken, "\(target): the connection broke: \(text.isEmpty ? "curl \(code)" : text)")
    }
  }

  private func distrust(_ now: Timestamp) -> String {
    switch verification {
    case 9, 13:
      "its certificate is not valid yet at \(now.rfc3339), the time of this machine's clock. "
        + "Set the clock if that is wrong; if it is right, the certificate was issued with a wrong clock: renew it"
    case 10, 14:
      "its certificate has expired by \(now.rfc3339), the time of this machine's clock. "
        + "Set the clock if that is wrong; if it is right, renew the API server's certificate"
    case 2, 18, 19, 20, 21:
      "its certificate was not issued by the certificate authority given (\(text)). "
        + "Give the cluster's own: --ca-file, certificate-authority in the kubeconfig, or ca.crt of the service account"
    // The chain is accepted. So the name is wrong, which libcurl checks itself.
    case 0, 1, 62, 63, 64:
      "its certificate is for another name (\(text)). Use an address that the certificate names"
    default: text
    }
  }
}
