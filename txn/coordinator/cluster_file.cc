// A parser that knows at which character of which line it stands, so that every error says so.
#include "txn/coordinator/cluster_file.h"

#include <algorithm>
#include <optional>

#include "core/base/error_codes.h"
#include "core/base/hash.h"

namespace orrery {

namespace {

constexpr size_t kTextBytesMax = 64 << 10;
constexpr size_t kNameBytesMax = 128;  // Description and id, each.
constexpr size_t kHostBytesMax = 253;  // RFC 1035.
constexpr size_t kCoordinatorsMax = 99;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetterOrDigit(char c) {
  return IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool IsDescription(char c) { return IsLetterOrDigit(c) || c == '_'; }
bool IsHostName(char c) { return IsLetterOrDigit(c) || c == '-' || c == '.' || c == '_'; }
bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

class Parser {
 public:
  Parser(std::string_view line, size_t line_number) : line_(line), line_number_(line_number) {}

  absl::StatusOr<ClusterFile> Run() {
    while (IsBlank(Peek())) ++at_;
    while (!line_.empty() && IsBlank(line_.back())) line_.remove_suffix(1);
    ClusterFile file;
    ASSIGN_OR_RETURN(file.description,
                     Name(IsDescription, "a description of letters, digits and underscores"));
    RETURN_IF_ERROR(Take(':', "':' after the description"));
    ASSIGN_OR_RETURN(file.id, Name(IsLetterOrDigit, "an id of letters and digits"));
    RETURN_IF_ERROR(Take('@', "'@' after the id"));
    do {
      const size_t begin = at_;
      ASSIGN_OR_RETURN(Endpoint coordinator, Coordinator());
      if (std::find(file.coordinators.begin(), file.coordinators.end(), coordinator) !=
          file.coordinators.end()) {
        return WrongAt(begin, "a coordinator that was named before");
      }
      file.coordinators.push_back(std::move(coordinator));
      if (file.coordinators.size() > kCoordinatorsMax) {
        return WrongAt(begin, "more than " + std::to_string(kCoordinatorsMax) + " coordinators");
      }
    } while (TakeIf(','));
    if (at_ < line_.size()) return Expected("',' or the end of the line after a coordinator");
    return file;
  }

 private:
  char Peek() const { return at_ < line_.size() ? line_[at_] : '\0'; }
  bool TakeIf(char c) {
    if (at_ >= line_.size() || line_[at_] != c) return false;
    ++at_;
    return true;
  }

  absl::Status WrongAt(size_t at, const std::string& what) const {
    return Error(ErrorCode::cluster_file_invalid, "line " + std::to_string(line_number_) +
                                                      ", character " + std::to_string(at + 1) +
                                                      ": " + what);
  }
  absl::Status Expected(const std::string& what) const {
    return WrongAt(at_, "expected " + what + ", found " + Found());
  }
  std::string Found() const {
    if (at_ >= line_.size()) return "the end of the line";
    const char c = line_[at_];
    if (c >= ' ' && c <= '~') return std::string("'") + c + "'";
    static constexpr char kDigits[] = "0123456789abcdef";
    const auto byte = static_cast<uint8_t>(c);
    return std::string("the byte 0x") + kDigits[byte >> 4] + kDigits[byte & 15];
  }

  absl::Status Take(char c, const std::string& what) {
    return TakeIf(c) ? absl::OkStatus() : Expected(what);
  }

  std::string_view Run(bool (*is)(char)) {
    const size_t begin = at_;
    while (at_ < line_.size() && is(line_[at_])) ++at_;
    return line_.substr(begin, at_ - begin);
  }

  absl::StatusOr<std::string> Name(bool (*is)(char), const std::string& what) {
    const size_t begin = at_;
    const std::string_view name = Run(is);
    if (name.empty()) return Expected(what);
    if (name.size() > kNameBytesMax) {
      return WrongAt(begin, "longer than " + std::to_string(kNameBytesMax) + " characters");
    }
    return std::string(name);
  }

  absl::StatusOr<Endpoint> Coordinator() {
    const size_t begin = at_;
    const bool bracketed = TakeIf('[');
    if (bracketed) {
      Run([](char c) { return IsLetterOrDigit(c) || c == ':' || c == '.'; });
      RETURN_IF_ERROR(Take(']', "']' after an IPv6 address"));
    } else if (Run(IsHostName).empty()) {
      return Expected("a coordinator's host");
    }
    const std::string_view host = line_.substr(begin, at_ - begin);
    RETURN_IF_ERROR(Take(':', "':' and a port after the host"));
    ASSIGN_OR_RETURN(const uint16_t port, Port());
    const bool literal = bracketed || std::all_of(host.begin(), host.end(),
                                                  [](char c) { return IsDigit(c) || c == '.'; });
    if (literal) {
      const std::optional<NetworkAddress> address =
          NetworkAddress::Parse(std::string(host) + ":" + std::to_string(port));
      if (!address) return WrongAt(begin, "not an address: " + std::string(host));
      const bool any =
          address->WithPort(0) == NetworkAddress() || (address->is_v4() && address->v4() == 0);
      if (any) return WrongAt(begin, "not an address that others can reach: " + std::string(host));
      return Endpoint(*address);
    }
    if (host.size() > kHostBytesMax || !IsLetterOrDigit(host.front())) {
      return WrongAt(begin, "not a host name");
    }
    return Endpoint(std::string(host), port);
  }

  absl::StatusOr<uint16_t> Port() {
    const size_t begin = at_;
    const std::string_view digits = Run(IsDigit);
    if (digits.empty()) return Expected("a port");
    uint32_t port = 0;
    for (const char c : digits) port = std::min(port * 10 + static_cast<uint32_t>(c - '0'), 65536u);
    if (port == 0 || port > 65535 || digits.front() == '0') {
      return WrongAt(begin, "a port is a number from 1 to 65535");
    }
    return static_cast<uint16_t>(port);
  }

  std::string_view line_;
  const size_t line_number_;
  size_t at_ = 0;
};

}  // namespace

absl::StatusOr<ClusterFile> ClusterFile::Parse(std::string_view text) {
  if (text.size() > kTextBytesMax) {
    return Error(ErrorCode::cluster_file_invalid,
                 "longer than " + std::to_string(kTextBytesMax) + " bytes");
  }
  std::optional<ClusterFile> found;
  size_t line_number = 0;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    ++line_number;
    const size_t first = line.find_first_not_of(" \t\r");
    if (first == std::string_view::npos || line[first] == '#') continue;
    if (found.has_value()) {
      return Error(ErrorCode::cluster_file_invalid,
                   "line " + std::to_string(line_number) + ", character " +
                       std::to_string(first + 1) + ": expected nothing after the cluster's line");
    }
    ASSIGN_OR_RETURN(found, Parser(line, line_number).Run());
  }
  if (!found.has_value()) {
    return Error(ErrorCode::cluster_file_invalid,
                 "line " + std::to_string(line_number + 1) +
                     ", character 1: expected description:id@host:port,..., found the end");
  }
  return *std::move(found);
}

std::string ClusterFile::ToString() const {
  std::string text = cluster_name();
  char separator = '@';
  for (const Endpoint& coordinator : coordinators) {
    text += separator + ToText(coordinator);
    separator = ',';
  }
  return text;
}

RegisterId ClusterFile::register_id() const {
  const std::string name = cluster_name();
  const uint64_t high = HashBytes(name);
  return {high, HashBytes(name, high)};
}

std::string ToText(const Endpoint& coordinator) {
  if (coordinator.host.empty()) return coordinator.address.ToString();
  return coordinator.host + ":" + std::to_string(coordinator.address.port());
}

}  // namespace orrery
