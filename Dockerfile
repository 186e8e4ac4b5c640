# The course as it is locked: docker build -t wgan-course . ; docker run --rm -p 8888:8888 wgan-course
FROM python:3.11-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends bubblewrap chromium git make \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /course
COPY requirements.lock requirements-uv.lock pyproject.toml README.md LICENSE THIRD_PARTY.md Makefile ./
COPY tools tools
COPY wgan_course wgan_course
COPY wgan_grader wgan_grader
COPY wgan_cli wgan_cli
RUN sh tools/bootstrap.sh
COPY . .
EXPOSE 8888
CMD [".venv/bin/python", "-m", "jupyterlab", "--ip=0.0.0.0", "--no-browser", "--allow-root", "exercises"]
