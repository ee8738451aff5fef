import { defineConfig } from "vite";

// What is built is served as it is, under a policy that allows no inline script or style.
export default defineConfig({
  root: "page",
  base: "./",
  build: {
    outDir: "../dist/page",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    target: "es2022",
  },
});
