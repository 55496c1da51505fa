// Field by field. `changed` stays at home: it is the coordinator's own business.
#include "txn/coordinator/register_messages.h"

namespace orrery {

RegisterIdMessage ToMessage(RegisterId id) {
  RegisterIdMessage message;
  message.set_high(id.high);
  message.set_low(id.low);
  return message;
}

RegisterId FromMessage(const RegisterIdMessage& message) { return {message.high(), message.low()}; }

RegisterGenerationMessage ToMessage(RegisterGeneration generation) {
  RegisterGenerationMessage message;
  message.set_counter(generation.counter);
  message.set_id(generation.id);
  return message;
}

RegisterGeneration FromMessage(const RegisterGenerationMessage& message) {
  return {message.counter(), message.id()};
}

ReadRegisterReply ToMessage(const GenerationRegister::ReadAnswer& answer) {
  ReadRegisterReply message;
  message.set_ready(answer.ready);
  *message.mutable_read_generation() = ToMessage(answer.read_generation);
  *message.mutable_write_generation() = ToMessage(answer.write_generation);
  message.set_value(answer.value);
  return message;
}

GenerationRegister::ReadAnswer FromMessage(const ReadRegisterReply& message) {
  return {message.ready(), /*changed=*/false, FromMessage(message.read_generation()),
          FromMessage(message.write_generation()), message.value()};
}

WriteRegisterReply ToMessage(const GenerationRegister::WriteAnswer& answer) {
  WriteRegisterReply message;
  message.set_ready(answer.ready);
  message.set_accepted(answer.accepted);
  *message.mutable_read_generation() = ToMessage(answer.read_generation);
  return message;
}

GenerationRegister::WriteAnswer FromMessage(const WriteRegisterReply& message) {
  return {message.ready(), /*changed=*/false, message.accepted(),
          FromMessage(message.read_generation())};
}

}  // namespace orrery
