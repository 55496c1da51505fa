// The register's types in messages: see coordinator.proto.
#pragma once

#include "txn/coordinator/coordinator.pb.h"
#include "txn/coordinator/generation_register.h"

namespace orrery {

RegisterIdMessage ToMessage(RegisterId id);
RegisterId FromMessage(const RegisterIdMessage& message);

RegisterGenerationMessage ToMessage(RegisterGeneration generation);
RegisterGeneration FromMessage(const RegisterGenerationMessage& message);

ReadRegisterReply ToMessage(const GenerationRegister::ReadAnswer& answer);
GenerationRegister::ReadAnswer FromMessage(const ReadRegisterReply& message);

WriteRegisterReply ToMessage(const GenerationRegister::WriteAnswer& answer);
GenerationRegister::WriteAnswer FromMessage(const WriteRegisterReply& message);

}  // namespace orrery
