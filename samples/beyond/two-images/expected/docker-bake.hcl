variable "VERSION" {
  default = ""
}

group "default" {
  targets = ["client", "server"]
}

target "client" {
  dockerfile = "docker/server/Dockerfile"
  target     = "client"
  tags       = ["x/client:${VERSION}", "x/client"]
  labels     = { "org.example.kind" = "client" }
  args = {
    V = "${VERSION}"
  }
}

target "server" {
  dockerfile = "docker/server/Dockerfile"
  target     = "server"
  tags       = ["x/server"]
  args = {
    V = "${VERSION}"
  }
}
