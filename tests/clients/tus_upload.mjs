// Sends a file by tus-js-client and prints what became of it: tus_upload.mjs ENDPOINT TOKEN FILE OPTIONS
import { createReadStream } from "node:fs";
import { basename } from "node:path";
import { Upload } from "tus-js-client";

const [endpoint, token, file, options] = process.argv.slice(2);
const upload = new Upload(createReadStream(file), {
  endpoint,
  headers: { Authorization: `Bearer ${token}` },
  metadata: { filename: basename(file), filetype: "application/pdf" },
  retryDelays: Array(40).fill(50),
  ...JSON.parse(options),
  onError: (error) => {
    console.error(String(error));
    process.exit(1);
  },
  onSuccess: ({ lastResponse }) => {
    console.log(JSON.stringify({ url: upload.url, document: lastResponse.getHeader("X-Document-ID") }));
  },
});
upload.start();
