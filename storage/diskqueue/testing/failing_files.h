// An Env whose n-th file operation fails, to be used with n = 1, 2, 3, ... until nothing fails.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/env/env_wrapper.h"

namespace orrery {

class FailingFiles final : public FileSystem {
 public:
  // Operation number `fails` gives `code`, before it had an effect or, if `after`, having had it.
  FailingFiles(FileSystem& base, uint64_t fails, ErrorCode code, bool after)
      : base_(base), fails_(fails), code_(code), after_(after) {}

  bool fired() const { return operations_ >= fails_; }

  Task<absl::StatusOr<std::unique_ptr<File>>> Open(std::string path, OpenMode mode) override {
    const bool fail = Next();
    if (fail && !after_) co_return Failure();
    auto file = co_await base_.Open(std::move(path), mode);
    if (fail) co_return Failure();
    CO_RETURN_IF_ERROR(file.status());
    co_return std::unique_ptr<File>(std::make_unique<OneFile>(*this, *std::move(file)));
  }
  Task<absl::Status> Rename(std::string from, std::string to) override {
    return Do(base_.Rename(std::move(from), std::move(to)));
  }
  Task<absl::Status> Delete(std::string path) override { return Do(base_.Delete(std::move(path))); }
  Task<absl::StatusOr<std::vector<std::string>>> List(std::string directory) override {
    return Do(base_.List(std::move(directory)));
  }
  Task<absl::Status> CreateDirectory(std::string directory) override {
    return Do(base_.CreateDirectory(std::move(directory)));
  }
  Task<absl::Status> SyncDirectory(std::string directory) override {
    return Do(base_.SyncDirectory(std::move(directory)));
  }
  Task<absl::StatusOr<std::unique_ptr<FileLock>>> Lock(std::string path) override {
    return Do(base_.Lock(std::move(path)));
  }

 private:
  class OneFile final : public File {
   public:
    OneFile(FailingFiles& files, std::unique_ptr<File> base)
        : files_(files), base_(std::move(base)) {}
    Task<absl::StatusOr<Buffer>> Read(uint64_t offset, uint32_t bytes) override {
      return files_.Do(base_->Read(offset, bytes));
    }
    Task<absl::Status> Write(uint64_t offset, Buffer data) override {
      return files_.Do(base_->Write(offset, std::move(data)));
    }
    Task<absl::Status> WriteDurable(uint64_t offset, Buffer data) override {
      return files_.Do(base_->WriteDurable(offset, std::move(data)));
    }
    Task<absl::Status> Sync() override { return files_.Do(base_->Sync()); }
    Task<absl::Status> Truncate(uint64_t bytes) override {
      return files_.Do(base_->Truncate(bytes));
    }
    Task<absl::StatusOr<uint64_t>> Size() override { return files_.Do(base_->Size()); }

   private:
    FailingFiles& files_;
    const std::unique_ptr<File> base_;
  };

  bool Next() { return ++operations_ == fails_; }
  absl::Status Failure() const { return Error(code_, "planted"); }

  template <class T>
  Task<T> Do(Task<T> operation) {
    const bool fail = Next();
    if (fail && !after_) co_return Failure();
    T result = co_await std::move(operation);
    if (fail) co_return Failure();
    co_return result;
  }

  FileSystem& base_;
  const uint64_t fails_;
  const ErrorCode code_;
  const bool after_;
  uint64_t operations_ = 0;
};

class FailingEnv final : public EnvWrapper {
 public:
  FailingEnv(Env& base, uint64_t fails, ErrorCode code, bool after)
      : EnvWrapper(base), files_(base.files(), fails, code, after) {}
  FailingFiles& files() override { return files_; }

 private:
  FailingFiles files_;
};

}  // namespace orrery
