// Story events: the types of trace events from which a picture of a run is drawn (sim/report), and
// their fields. core/rpc, the simulator and the workloads trace them; a system of one's own that
// traces them too is drawn likewise. Fields that are not listed here are shown as they are.
//
// Messages (Debug). Sender and receiver name one message by the same text, which no other message
// of its kind in the world has:
//   RpcRequestSent      call, method, peer (to whom), header, attachment, attachment_bytes
//   RpcRequestReceived  call, method, peer (from whom)
//   RpcReplySent        call, code (an error's name; absent when it is well), header, attachment,
//                       attachment_bytes
//   RpcReplyReceived    call, code; late when nobody waits for it any more
//   RpcCallFailed       call (empty: nothing had been sent), method, peer, reason. The caller stops
//                       waiting without a reply.
//   RpcRequestCancelled call. The callee stops because the caller said so.
//
// Roles (Info), see role_trace.h:
//   RoleBegan           role, role_id, generation
//   RoleEnded           role, role_id, why
//
// Operations of clients (Debug), on the client's process:
//   OperationBegan      workload, client, ordinal; what
//   OperationEnded      workload, client, ordinal, outcome
//
// Of the simulated world, which has no process (Info; RunFailed: Error):
//   ProcessStarted      process, incarnation, machine, zone, data_center, client
//   ProcessEnded        process, incarnation, why ("killed", "ended", or its error)
//   FaultBegan          fault (number in the plan), kind, for_ns (0: it has no end of its own),
//                       targets (names of machines or processes, separated by blanks), what
//   FaultSkipped        fault, kind: it did not take place after all
//   FaultsHealed        whatever lasts ends now
//   PhaseBegan          phase
//   RunFailed           kind, text
#pragma once

namespace orrery::story_events {

inline constexpr const char kRequestSent[] = "RpcRequestSent";
inline constexpr const char kRequestReceived[] = "RpcRequestReceived";
inline constexpr const char kReplySent[] = "RpcReplySent";
inline constexpr const char kReplyReceived[] = "RpcReplyReceived";
inline constexpr const char kCallFailed[] = "RpcCallFailed";
inline constexpr const char kRequestCancelled[] = "RpcRequestCancelled";
inline constexpr const char kRoleBegan[] = "RoleBegan";
inline constexpr const char kRoleEnded[] = "RoleEnded";
inline constexpr const char kOperationBegan[] = "OperationBegan";
inline constexpr const char kOperationEnded[] = "OperationEnded";
inline constexpr const char kProcessStarted[] = "ProcessStarted";
inline constexpr const char kProcessEnded[] = "ProcessEnded";
inline constexpr const char kFaultBegan[] = "FaultBegan";
inline constexpr const char kFaultSkipped[] = "FaultSkipped";
inline constexpr const char kFaultsHealed[] = "FaultsHealed";
inline constexpr const char kPhaseBegan[] = "PhaseBegan";
inline constexpr const char kRunFailed[] = "RunFailed";

}  // namespace orrery::story_events
