# The image holds Node, the packages of package-lock.json without install scripts, and the built server. Nothing else.

FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
COPY packages/server/package.json packages/server/
COPY packages/sdk/package.json packages/sdk/
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json ./
COPY packages/sdk packages/sdk
COPY packages/server packages/server
RUN node packages/server/tools/build.ts

FROM node:24-slim AS modules
WORKDIR /app
COPY package.json package-lock.json ./
COPY packages/server/package.json packages/server/
COPY packages/sdk/package.json packages/sdk/
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:24-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=modules /app/node_modules node_modules
COPY --from=build /app/packages/server/package.json packages/server/
COPY --from=build /app/packages/server/bin packages/server/bin
COPY --from=build /app/packages/server/migrations packages/server/migrations
COPY --from=build /app/packages/server/dist packages/server/dist
RUN ln -s /app/packages/server/bin/ostiary.js /usr/local/bin/ostiary && install -d -o node -g node -m 700 /var/lib/ostiary
ENV DATABASE_URL=sqlite:/var/lib/ostiary/ostiary.db
USER node
VOLUME /var/lib/ostiary
EXPOSE 4545
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT ?? 4545}/healthz`).then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Without a shell in between: SIGTERM reaches the server, which answers what is under way before it ends.
ENTRYPOINT ["node", "/app/packages/server/bin/ostiary.js"]
CMD ["start"]
