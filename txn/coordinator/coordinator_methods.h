// The calls that a coordinator answers, under token 0 of its process.
#pragma once

#include "core/rpc/method.h"
#include "txn/coordinator/coordinator.pb.h"

namespace orrery {

inline constexpr Method<ReadRegisterRequest, ReadRegisterReply> kReadRegister{200, "read_register"};
inline constexpr Method<WriteRegisterRequest, WriteRegisterReply> kWriteRegister{201,
                                                                                 "write_register"};
inline constexpr Method<FormRegisterRequest, FormRegisterReply> kFormRegister{202, "form_register"};
inline constexpr Method<NominateRequest, NomineeReply> kNominate{203, "nominate"};
inline constexpr Method<GetNomineeRequest, NomineeReply> kGetNominee{204, "get_nominee"};

}  // namespace orrery
