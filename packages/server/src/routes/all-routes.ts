import {
  deleteBlob,
  getBlob,
  headBlob,
  listBlobs,
  postBlob,
  putBlob,
} from "./blobs/blob-routes.ts";
import { fetchBlobs, missingBlobs } from "./blobs/bulk-routes.ts";
import { explainBlob } from "./explain.ts";
import type { Route } from "./route.ts";
import { listTiers } from "./service/list-tiers.ts";
import { type ServiceContext, serviceRoutes } from "./service/service-routes.ts";
import {
  getTag,
  getTagBlob,
  headTagBlob,
  listTags,
  tagHistory,
  verifyTag,
} from "./tags/tag-routes.ts";
import { deleteTag, patchTag, putTag, rollbackTag } from "./tags/tag-write-routes.ts";
import { watchTag } from "./tags/watch-tag.ts";

/** Makes every route of the server, in the order of the documents. */
export function allRoutes(service: ServiceContext): readonly Route[] {
  return [
    postBlob,
    putBlob,
    getBlob,
    headBlob,
    deleteBlob,
    listBlobs,
    missingBlobs,
    fetchBlobs,
    explainBlob,
    listTags,
    getTag,
    putTag,
    patchTag,
    deleteTag,
    getTagBlob,
    headTagBlob,
    tagHistory,
    rollbackTag,
    watchTag,
    verifyTag,
    listTiers,
    ...serviceRoutes(service),
  ];
}
