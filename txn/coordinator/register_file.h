// RegisterFile: the durable image of one coordinator's register.
//
// The file is replaced as a whole: the image is written to a new file beside it, synced, renamed
// over it, and the directory synced. So the file holds the old image or the new one at any moment.
#pragma once

#include <string>

#include "core/env/env.h"
#include "txn/coordinator/generation_register.h"

namespace orrery {

class RegisterFile {
 public:
  // The register in the file `path`; absent without it. What it gives is durable: that the file
  // has its name may not have been, when a former life ended. Removes what a former life was
  // writing. Errors: file_corrupt, protocol_mismatch, those of the disk.
  // REQUIRES: `env` outlives the object that is then made for the same path.
  static Task<absl::StatusOr<GenerationRegister>> Open(Env& env, std::string path);

  RegisterFile(Env& env, std::string path);

  // Ok: the image is durable. After an error it may be either, and the file must not be used any
  // more. REQUIRES: Open was ok; one Replace at a time.
  Task<absl::Status> Replace(std::string image);

 private:
  Env& env_;
  const std::string path_;
};

}  // namespace orrery
