"""Export to ONNX: conversion, rewrites and quantisation."""
