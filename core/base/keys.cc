// Arithmetic on keys.
#include "core/base/keys.h"

#include "core/base/invariant.h"

namespace orrery {

Key PrefixEnd(KeyRef prefix) {
  while (!prefix.empty() && prefix.back() == '\xff') prefix.remove_suffix(1);
  INVARIANT(!prefix.empty(), "no key follows all keys with this prefix");
  Key end(prefix);
  end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
  return end;
}

}  // namespace orrery
