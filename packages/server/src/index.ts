export { type Access, openAccess, type OpenAccessOptions } from "./access/open-access.ts";
export type * from "./access/access-config.ts";
export { parseAccess } from "./access/parse-access.ts";
export type * from "./access/principal.ts";
export { hashToken, type MintedToken, mintToken } from "./access/bearer-token.ts";
export {
  type AuditLimits,
  type AuditLog,
  type AuditLogOptions,
  openAuditLog,
} from "./audit/audit-log.ts";
export type * from "./audit/audit-record.ts";
export { type AuditConfig, parseAudit } from "./audit/parse-audit.ts";
export * from "./audit/read-audit.ts";
export { auditKey, formatHead, parseHead } from "./audit/segment.ts";
export * from "./audit/verify-audit.ts";
export * from "./create-server.ts";
export type { ListenOptions } from "./listen/listener.ts";
export type { RequestRecord } from "./listen/run-route.ts";
export {
  type ApiDocument,
  type ApiOperation,
  type ApiParameter,
  openApiText,
} from "./openapi/document.ts";
export { httpReference } from "./openapi/http-reference.ts";
export { staticDocument } from "./openapi/static-document.ts";
export * from "./server-config.ts";
export * from "./server-limits.ts";
export type * from "./workspace.ts";
